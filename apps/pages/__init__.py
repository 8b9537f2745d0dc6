"""What a browser sees: signing in and up, and the errors of pages."""
