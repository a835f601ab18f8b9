"""The pages: each parses, calls one thing of the domain, and chooses the answer."""
