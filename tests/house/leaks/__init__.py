"""The leak test: a secret in every kind of input, then a search of every place where the machine could keep it.

`inputs` lists what can be typed, `planting` makes the secrets, `installation` and `journey` run the real application,
`places` gathers what a thief could take, `searching` looks for the secrets in every shape, `report` tells.
"""
