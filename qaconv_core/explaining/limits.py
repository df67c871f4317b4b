"""What the numbers and maps say and do not say: one text for reports, help and window."""

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

NUMBERS = (
    "What the numbers mean. The logit is what the model computes for two pictures: what every cell "
    "of either picture adds, and the bias; larger is closer, and it has no fixed range. The score "
    "is sigmoid(logit / 10), between 0 and 1: it keeps the order of the logits. The rank is the "
    "place among all pictures of the gallery by this model, without pictures of the query's person "
    "from the query's own camera. What was decided is the judgement of a person and not of the "
    "model."
)
"""What stands beside a table of candidates."""
