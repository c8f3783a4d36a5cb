"""Kinds of study: each is one package with its settings, rules, scripts, tables, figures and page."""
