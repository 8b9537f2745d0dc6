"""Ransack searches (`q[name_cont]=air`) for Django REST framework; README.md says all."""
