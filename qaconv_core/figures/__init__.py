"""Figures for papers and reports: matches, rankings, CMC curves, score distributions."""
