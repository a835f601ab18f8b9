"""The law engine: examples, every rule of the packs, properties, the command. No database."""
