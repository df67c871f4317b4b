"""One search of a gallery, for the command line and for the window.

- :mod:`.values`: what is searched and what comes out of it (no torch);
- :mod:`.truth`: which pictures are true matches, false ones, junk (no torch);
- :mod:`.search`: maps of a set, rankings and explanations out of them;
- :mod:`.partial`: the same while maps are still being computed;
- :mod:`.estimates`: galleries in which only the best are scored exactly;
- :mod:`.pairs`: one pair explained, two compared;
- :mod:`.parts`: searches by some cells of the query; :mod:`.what_if`: cells that are covered.
"""
