"""What the maps do not say: one text for reports, help and window."""

LIMITS = (
    "What these maps do not say. A contribution says what this model's logit is made of, exactly; "
    "it does not say that two pictures show one person, and a score is not a probability. The maps "
    "show cells of a feature map: each cell has seen a surrounding far larger than its square, so "
    "that it may stand for something beside it. Hiding cells takes them out of the matching; the "
    "network does not look again, as it would at a picture with something in front. A high "
    "contribution may belong to what is common to many pictures: compare with the average over "
    "the gallery before calling anything distinctive."
)
"""What every document states about its maps."""
