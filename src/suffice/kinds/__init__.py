"""Kinds of study: each is one package with its settings, tables, figures and page."""
