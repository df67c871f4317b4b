"""Slow, obvious reference implementations that the engine's fast code must agree with.

Plain loops, written from the definitions and without any of the engine's code, so that both
cannot be wrong in one way.
"""

from __future__ import annotations

import math

import numpy as np

BATCH_NORM_EPS = 1e-5


# --- Measures ------------------------------------------------------------------------------------


def kept_ranking(distances, query_id, query_cam, gallery_ids, gallery_cams, junk_rule=True):
    """True/false of each gallery picture that counts, nearest first, ties in gallery order."""
    ranking = []
    for j in sorted(range(len(distances)), key=lambda j: (float(distances[j]), j)):
        if gallery_ids[j] == -1 or query_id == -1:
            continue
        same_camera = query_cam == gallery_cams[j] and query_cam != -1
        if junk_rule and gallery_ids[j] == query_id and same_camera:
            continue
        ranking.append(bool(gallery_ids[j] == query_id))
    return ranking


def step_ap(ranking):
    """Mean of the precision at each true match."""
    found, total = 0, 0.0
    for place, true in enumerate(ranking, start=1):
        if true:
            found += 1
            total += found / place
    return total / found


def trapezoid_ap(ranking):
    """Area under precision over recall, trapezoids between successive ranks."""
    matches, found, area = sum(ranking), 0, 0.0
    old_recall, old_precision = 0.0, 1.0
    for place, true in enumerate(ranking, start=1):
        found += true
        recall, precision = found / matches, found / place
        area += (recall - old_recall) * (old_precision + precision) / 2
        old_recall, old_precision = recall, precision
    return area


def metrics(
    dist, query_ids, gallery_ids, query_cams, gallery_cams, junk_rule=True, ap="step", topk=50
):
    """dict of cmc, mAP, mINP, ap (NaN where not valid), first, valid."""
    aps, inps, firsts = [], [], []
    for i in range(len(query_ids)):
        ranking = kept_ranking(
            dist[i], query_ids[i], query_cams[i], gallery_ids, gallery_cams, junk_rule
        )
        places = [place for place, true in enumerate(ranking, start=1) if true]
        firsts.append(places[0] if places else 0)
        if places:
            aps.append(step_ap(ranking) if ap == "step" else trapezoid_ap(ranking))
            inps.append(len(places) / places[-1])
        else:
            aps.append(math.nan)
    valid = [f for f in firsts if f]
    n = len(valid)
    cmc = [sum(f <= k for f in valid) / n if n else math.nan for k in range(1, topk + 1)]
    return {
        "cmc": np.array(cmc),
        "mAP": sum(a for a in aps if not math.isnan(a)) / n if n else math.nan,
        "mINP": sum(inps) / n if n else math.nan,
        "ap": np.array(aps),
        "first": np.array(firsts),
        "valid": n,
    }


def pair_values(values, query_ids, gallery_ids, query_cams, gallery_cams, junk_rule=True):
    """(positives, negatives): the values of the pairs that count."""
    positives, negatives = [], []
    for i in range(len(query_ids)):
        for j in range(len(gallery_ids)):
            if query_ids[i] == -1 or gallery_ids[j] == -1:
                continue
            same = query_ids[i] == gallery_ids[j]
            here = query_cams[i] == gallery_cams[j] and query_cams[i] != -1
            if not same:
                negatives.append(float(values[i][j]))
            elif not (junk_rule and here):
                positives.append(float(values[i][j]))
    return positives, negatives


def auc(positives, negatives):
    """Share of pairs of pairs in the right order, ties counting half."""
    score = sum((x > y) + 0.5 * (x == y) for x in positives for y in negatives)
    return score / (len(positives) * len(negatives))


def equal_error_rate(positives, negatives):
    """Where the ROC, drawn with straight lines between all thresholds, meets FPR = FNR."""
    old = (0.0, 1.0)
    for t in [*sorted({*positives, *negatives}), math.inf]:
        miss = sum(x < t for x in positives) / len(positives)
        false = sum(x >= t for x in negatives) / len(negatives)
        if miss >= false:
            before, after = old[1] - old[0], miss - false
            share = before / (before + after) if before + after else 0.0
            return old[0] + share * (miss - old[0])
        old = (miss, false)
    raise AssertionError("the ROC does not cross FPR = FNR")


# --- Re-ranking and TLift ------------------------------------------------------------------------


def reciprocal(ranks, i, k):
    """R(i, k): who of i's k + 1 nearest has i among its own k + 1 nearest."""
    return [j for j in ranks[i][: k + 1] if i in ranks[j][: k + 1]]


def k_reciprocal(dist_qg, dist_qq, dist_gg, k1=20, k2=6, lambda_=0.3):
    """k-reciprocal re-ranking with dense float64 matrices and loops over pairs."""
    qg, qq, gg = (np.asarray(d, dtype=np.float64) for d in (dist_qg, dist_qq, dist_gg))
    p, n = qg.shape[0], sum(qg.shape)
    full = np.block([[qq, qg], [qg.T, gg]])
    original = np.zeros((n, n))
    largest = [max(full[m, i] for m in range(n)) for i in range(n)]
    for i in range(n):
        for j in range(n):
            original[i, j] = full[j, i] / (largest[i] or 1.0)
    turns = [-1 if largest[i] < 0 else 1 for i in range(n)]
    ranks = [sorted(range(n), key=lambda j, i=i: (turns[i] * full[j, i], j)) for i in range(n)]
    v = np.zeros((n, n))
    for i in range(n):
        near = reciprocal(ranks, i, k1)
        expanded = set(near)
        for j in near:
            half = reciprocal(ranks, j, round(k1 / 2))
            if 3 * len(set(half) & set(near)) > 2 * len(half):
                expanded |= set(half)
        total = sum(math.exp(-original[i, j]) for j in expanded)
        for j in expanded:
            v[i, j] = math.exp(-original[i, j]) / total
    if k2 > 1:
        v = np.array([np.mean([v[j] for j in ranks[i][:k2]], axis=0) for i in range(n)])
    out = np.zeros(qg.shape)
    for i in range(p):
        for j in range(p, n):
            common = sum(min(a, b) for a, b in zip(v[i], v[j], strict=True))
            jaccard = 1 - common / (2 - common)
            out[i, j - p] = (1 - lambda_) * jaccard + lambda_ * original[i, j]
    return out


def known(cam, time):
    """Whether a picture's camera and time are both known."""
    return cam != -1 and not math.isnan(time)


def tlift(
    score,
    query_cams,
    gallery_cams,
    query_times,
    gallery_times,
    tau=100,
    sigma=200,
    k=10,
    alpha=0.2,
):
    """TLift, query by query. Unknown pictures as ``temporal_lift`` documents."""
    score = np.asarray(score, dtype=np.float64)
    p, g = score.shape
    out = score.copy()
    there = [a for a in range(g) if known(gallery_cams[a], gallery_times[a])]
    for q in range(p):
        if not known(query_cams[q], query_times[q]) or not there:
            continue
        near = [
            b
            for b in range(p)
            if query_cams[b] == query_cams[q] and abs(query_times[b] - query_times[q]) < tau
        ]
        weights = {}
        for a in there:
            camera = [c for c in there if gallery_cams[c] == gallery_cams[a]]
            pool = sorted((score[b][c] for b in near for c in camera), reverse=True)
            limit = pool[min(k, len(pool)) - 1]
            pivots = [c for b in near for c in camera if score[b][c] >= limit]
            kernel = [
                math.exp(-(((gallery_times[c] - gallery_times[a]) / sigma) ** 2)) for c in pivots
            ]
            weights[a] = sum(kernel) / len(kernel)
        mean = sum(weights.values()) / len(weights)
        for a in range(g):
            out[q, a] = (weights.get(a, mean) + alpha) * score[q][a]
    return out


# --- QAConv --------------------------------------------------------------------------------------


def best_cells(query_map, gallery_map):
    """Each cell's best match on the other side, maps (C, h, w).

    Returns (a, a_best, b, b_best): query cells' similarity to and number of their best gallery
    cell, then the same for gallery cells. The first of equals is the best.
    """
    query = query_map.reshape(len(query_map), -1).astype(np.float64)
    gallery = gallery_map.reshape(len(gallery_map), -1).astype(np.float64)
    cells = query.shape[1]
    table = [
        [float(np.dot(gallery[:, r], query[:, s])) for s in range(cells)] for r in range(cells)
    ]
    a = [max(table[r][s] for r in range(cells)) for s in range(cells)]
    b = [max(table[r][s] for s in range(cells)) for r in range(cells)]
    a_best = [[table[r][s] for r in range(cells)].index(a[s]) for s in range(cells)]
    b_best = [table[r].index(b[r]) for r in range(cells)]
    return np.array(a), np.array(a_best), np.array(b), np.array(b_best)


def batch_norm(x, state, name):
    """A one-channel batch norm in evaluation."""
    mean, variance = state[f"{name}.running_mean"][0], state[f"{name}.running_var"][0]
    scaled = (x - mean) / math.sqrt(float(variance) + BATCH_NORM_EPS)
    return scaled * state[f"{name}.weight"][0] + state[f"{name}.bias"][0]


def pair_logit(query_map, gallery_map, state, head):
    """The logit of one pair by the formulas of the ``"shared"`` or ``"two-sided"`` head."""
    a, _, b, _ = best_cells(query_map, gallery_map)
    weight, bias = state["fc.weight"][0].astype(np.float64), float(state["fc.bias"][0])
    if head == "shared":
        z = sum(float(np.dot(weight, batch_norm(x, state, "bn"))) + bias for x in (a, b))
    elif head == "two-sided":
        z = float(np.dot(weight, batch_norm(np.concatenate([b, a]), state, "bn"))) + bias
    else:
        raise ValueError(head)
    return float(batch_norm(z, state, "logit_bn"))


def qaconv_logits(query_maps, gallery_maps, state, head):
    """Logits (p, g) of maps (p, C, h, w) and (g, C, h, w).

    ``state`` maps ``bn.weight``, … ``fc.weight``, ``fc.bias``, ``logit_bn.…`` to NumPy arrays.
    """
    return np.array([[pair_logit(q, g, state, head) for g in gallery_maps] for q in query_maps])
