"""The court's bundle: what the record holds, put into words, printed with its exhibits, encrypted to who takes it away.

Owns: which parts of a case go into a dossier and in what words, and the export itself. Printing and encrypting are
`printing`'s.

Must never: let a dossier leave unencrypted, keep one on the server, or export without an entry in the trail.
"""
