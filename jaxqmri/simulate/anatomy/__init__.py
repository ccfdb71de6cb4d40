"""Anatomy as signed distance fields."""
