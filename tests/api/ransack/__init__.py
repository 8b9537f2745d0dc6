"""Tests of ransack, most of them over a small library of their own."""
