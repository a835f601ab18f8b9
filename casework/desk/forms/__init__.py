"""The forms of the pages: they clean what was typed and give back one typed value; they save nothing."""
