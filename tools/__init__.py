"""What make targets run that is no part of the product."""
