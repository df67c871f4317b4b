"""Feature maps of pictures, logits of pairs, and the correspondences behind them."""
