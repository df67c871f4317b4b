"""Pictures to feature maps: decoding, the network, and where the maps are written."""
