"""What the keeper of a server runs: the demo and its engines now; doctor, backup and recovery with later releases.

Owns: the supervisor behind `make demo`, the embedded PostgreSQL and Valkey that the demo and the tests run on, and
the database roles (`embedded/roles.sql`, which a real server uses too). `embedded` is plain Python: it works before
Django is set up, because Django's settings need the addresses that it hands out.

Must never: touch a folder that does not carry its mark, leave a server behind when the process that holds it is
gone, listen on anything but this machine, or write what a person typed into a log.
"""
