"""Agents that balance a pole on a cart, with their returns and the states they visit."""
