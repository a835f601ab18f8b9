"""The baseline: the same pages and templates over the same data in plain columns, without sealing, walls or trail."""
