"""The pages that show several areas at once: the day's work, case lists, the case page, the board, the trail, accounts.

Owns: views, forms and templates of the product's pages, the words for stages and regimes, and `services`, where reading
a page leaves its entry in the trail. Selectors here compose what the areas below hand out into frozen values that a
template shows without a query behind them.

Must never: hold a table, decide a permission by itself (`access.policies` does), or put a word that a person typed into
a URL, a title or a message after a redirect.
"""
