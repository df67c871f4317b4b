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
"""On maps of contributions; every document states it."""

NUMBERS = (
    "What the numbers mean. The logit is what the model computes for two pictures: what every cell "
    "of either picture adds, and the bias; larger is closer, and it has no fixed range. The score "
    "is sigmoid(logit / 10), between 0 and 1: it keeps the order of the logits. The rank is the "
    "place among all pictures of the gallery by this model, without pictures of the query's person "
    "from the query's own camera. What was decided is the judgement of a person and not of the "
    "model."
)
"""On a table of candidates."""

PART = (
    "It does not search for a thing. A part is found where the model finds it most alike, which "
    "may be a pavement of the same grey. And a cell still sees its surroundings: leaving out a "
    "face takes its cells out of the match, not every trace of it out of the others.",
    "Logits of a part are mostly smaller than the whole query's, because less is added to the same "
    "bias; the order is what counts, not the number.",
)
"""On search by part."""

HIDING = (
    "These numbers are exact for the match. They are not what a photograph with something in front "
    "would give: there the network would see the thing in front too, and every cell around it "
    "would change.",
    "A region that matters to the number need not matter to a person: it may be pavement.",
)
"""On hiding regions."""

DIFFERENCE = (
    "It says where the numbers part, not which of the two is the person. The largest difference "
    "may come from a place that has nothing to do with either.",
)
"""On the difference of two candidates."""

STRANGERS = (
    "Unusual among these strangers is no probability that two pictures show one person. Of another "
    "gallery, or between other cameras, strangers are others; where cameras are not known, all "
    "pictures stand for them.",
)
"""On parts of normalised scores."""

PAIR_X = "after PAIR-X (Shrack et al. 2025)"
"""Whose question is asked of pairs with equal scores."""

AVERAGE = (
    "Unusual in this gallery is not unusual in the world. In another gallery, or of other cameras, "
    "the same cell may be everybody's; in a gallery of a few pictures the average says little.",
)
"""On contributions above average."""
