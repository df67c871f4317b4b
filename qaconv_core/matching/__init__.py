"""Feature maps to logits, and the cells that matched.

Every way to compute logits from feature maps, with the module that runs it. All of them use
float32 sums; :mod:`~qaconv_core.matching.scores` chooses among the first three by the device and
the type of the maps.

- All pairs on the CPU, in tiles that stay in the cache: :mod:`~qaconv_core.matching.cpu`.
- All pairs of maps with few cells on the CPU, as estimates:
  :mod:`~qaconv_core.matching.few_cells`, for :mod:`qaconv_core.searching.among`.
- All pairs on a GPU, maps in float16, with Triton: :mod:`~qaconv_core.matching.fused`, whose kernel
  is in :mod:`~qaconv_core.matching.triton_kernel`.
- All pairs on any other device, in chunks that fit its memory: :mod:`~qaconv_core.matching.gpu`.
- All pairs of one set with itself, each computed once: :mod:`~qaconv_core.matching.scores`
  (``symmetric``).
- All pairs, shared among processes: :mod:`qaconv_core.evaluation.sharded`.
- One pair, with the contribution of every cell: :mod:`~qaconv_core.matching.correspondences`.
- A gallery by some cells of a query: :mod:`qaconv_core.explaining.maxima`.
- The best of a gallery, by four paths: :mod:`qaconv_core.searching`.
"""
