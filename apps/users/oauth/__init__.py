"""The OAuth 2.0 provider: applications, consent, and the endpoints of django-oauth-toolkit."""
