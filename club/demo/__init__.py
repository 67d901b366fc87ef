"""The demo programme: invented names, rates and prices, and the purchases of real people.

`programme.py` loads the programme (`club demo load`), `purchases.py` feeds the payment history
(`club demo seed`). Nothing here is a fact about the operator; everything is data to be replaced.
"""
