"""The teacher's command: set functions of the book as homework, and grade them."""
