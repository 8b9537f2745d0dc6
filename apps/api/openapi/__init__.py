"""The OpenAPI document (`/v0/schema`): what each app says of its endpoints, put together once.

An app has a module `schema.py`: the shapes of its answers, and its endpoints (`document`). It is
read when the document is first asked for, never while other requests are answered. What views say
by themselves (who may come, which bodies they read, whether they are limited) is not said again.
"""
