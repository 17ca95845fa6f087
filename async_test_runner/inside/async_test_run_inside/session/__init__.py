"""One pytest session that runs tests, and what it says of them."""
