"""Topologies: which machines a lab has, with which cards, networks and files. Data files and their reader."""
