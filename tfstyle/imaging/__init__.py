"""Pictures: from files to arrays and back, their colours, their limits, and sheets of them."""
