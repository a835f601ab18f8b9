"""Documents of a case: encrypted in chunks on disk, names and kinds sealed, handed out only through the application.

Owns: `Document`, the encrypted files under `CASEWORK_FILES_DIR`, and the upload handler that encrypts while a file
arrives, so that no plain copy ever touches a disk.

Must never: write a byte of a document in the clear, or release a chunk that was not verified.
"""
