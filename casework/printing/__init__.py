"""Turn a case's values into documents that leave the house: typeset, merged, encrypted.

Owns the only doors to Typst, pikepdf, Pillow and pyrage, and the Typst templates. Everything here is a pure function of
its arguments: values, translated labels and streams go in, bytes and a manifest come out. `dossier.build` makes the
court's bundle, `delivery` encrypts it for the person who receives it.

It knows no model, no settings, no user and no clock, and decides nothing about permission: who may export what is asked
and recorded above. It must never fetch anything from a network or a system font folder, run anything that an uploaded
file contains, write a clear byte to a disk, or let a typed word act as markup.
"""
