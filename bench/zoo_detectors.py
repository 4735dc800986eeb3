# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""torchvision's detectors with random weights that find things, and pictures for them (bench/zoo.py).

A detector with the weights it is born with gives nearly the same score to every box, so the order of boxes is chance,
and pictures have no object or as many as the detector may report. Here the layers that predict are scaled by what they
see, and a constant on the scores is chosen for which some pictures have no object, one, and many."""

import contextlib

import numpy as np

CLASSES = 5  # With the background, where it is a class.
MANY = 10  # Objects in the picture that has many.
FEW = 6  # Objects in a picture by which masks and keypoints are scaled.
CLOSE = 5e-5  # Scores that are closer may change places in another engine.
CONTRAST = 6
# The layers that predict, in the order in which their inputs depend on each other: (path, standard deviation, mean).
SCORES, BOXES = (1, 0), (0.3, 0)
PREDICTORS = {
    "ssd": [("head.classification_head.module_list", SCORES), ("head.regression_head.module_list", (1, 0))],
    "retinanet": [("head.classification_head.cls_logits", SCORES), ("head.regression_head.bbox_reg", BOXES)],
    # Distances to the four sides, of which negative ones become 0.
    "fcos": [("head.classification_head.cls_logits", SCORES), ("head.regression_head.bbox_reg", (0.5, 1.5)),
             ("head.regression_head.bbox_ctrness", SCORES)],
    "rcnn": [("rpn.head.cls_logits", SCORES), ("rpn.head.bbox_pred", BOXES),
             ("roi_heads.box_predictor.cls_score", SCORES), ("roi_heads.box_predictor.bbox_pred", (1, 0)),
             ("roi_heads.mask_predictor.mask_fcn_logits", SCORES),
             ("roi_heads.keypoint_predictor.kps_score_lowres", SCORES)],
}


def _predictors(module, name):
    """The last layers with weights that predict something: a path, a list and a spread for each entry of PREDICTORS."""
    import torch

    [kind] = [kind for kind in PREDICTORS if kind in name]
    for path, spread in PREDICTORS[kind]:
        try:
            part = module.get_submodule(path)
        except AttributeError:  # Only some have masks and keypoints.
            continue
        # One layer for each scale, or one for all.
        branches = part if isinstance(part, torch.nn.ModuleList) else [part]
        layers = [[layer for layer in branch.modules() if hasattr(layer, "bias") and hasattr(layer, "weight")][-1]
                  for branch in branches]
        yield path, layers, spread


@contextlib.contextmanager
def _replaced(owner, values):
    """Replaces attributes of an object for a while."""
    before = {name: getattr(owner, name) for name in values}
    for name, value in values.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


def _only_boxes(module):
    """For a while the detector finds no masks and keypoints, which take most of its time."""
    heads = getattr(module, "roi_heads", None)
    pools = [name for name in ("mask_roi_pool", "keypoint_roi_pool") if getattr(heads, name, None) is not None]
    return _replaced(heads, dict.fromkeys(pools))


def _few_objects(module):
    """For a while the detector reports few objects, if it has masks or keypoints of each."""
    return _replaced(module.roi_heads, {"detections_per_img": FEW}) if hasattr(module, "roi_heads") \
        else contextlib.nullcontext()


def _watch(module, layers, pictures):
    """For each layer its inputs and outputs, each channels x everything else."""
    import torch

    seen = {layer: [] for layer in layers}
    hooks = [layer.register_forward_hook(lambda layer, given, output: seen[layer].append((given[0], output)))
             for layer in layers]
    module(pictures)
    for hook in hooks:
        hook.remove()
    return [[torch.cat([value.transpose(0, 1).flatten(1) for value in values], 1) for values in zip(*seen[layer])]
            for layer in layers]


def _spread(module, layers, spread, pictures):
    """Gives some layers' outputs a standard deviation and a mean over pictures, the mean in every channel."""
    for layer, (_, outputs) in zip(layers, _watch(module, layers, pictures)):
        means = outputs.mean(1)
        factor = spread[0] / (outputs - means[:, None]).std()
        layer.weight *= factor
        layer.bias.copy_((layer.bias - means) * factor + spread[1])


def _score_layers(module, name):
    """The layers of the scores, and which of their channels are of an object."""
    import torch

    head = "roi_heads.box_predictor.cls_score" if "rcnn" in name else "head.classification_head"
    inside = list(module.get_submodule(head).modules())
    for _, layers, _ in _predictors(module, name):
        for layer in layers:
            if any(layer is part for part in inside):
                # A softmax: the background is the first class.
                background = not name.startswith(("retinanet", "fcos"))
                yield layer, torch.arange(layer.bias.numel()) % CLASSES >= background


def _see_contrast(module, name, grey, pictures):
    """Raises the scores of objects by what distinguishes pictures from grey: by at most CONTRAST."""
    import torch

    layers, objects = zip(*_score_layers(module, name))
    watched = zip(_watch(module, layers, grey), _watch(module, layers, pictures))
    for layer, is_object, ((without, _), (some, _)) in zip(layers, objects, watched):
        # A linear discriminant: edges and sizes of boxes must not count.
        step = some.mean(1) - without.mean(1)
        spread = some.cov(correction=0) + without.cov(correction=0)
        spread.diagonal().add_(0.02 * spread.trace() / len(spread))
        direction = torch.linalg.solve(spread, step)
        direction *= min(CONTRAST / (direction @ step), 2 / (direction @ some).std())
        layer.weight[is_object] += (direction / layer.weight[0, 0].numel()).reshape(-1, *[1] * (layer.weight.ndim - 2))
        layer.bias[is_object] -= direction @ some.mean(1)


def _picture(size, contrast, seed):
    """Blurred and sharp noise, from 0 to 1. Without contrast it is grey."""
    generator = np.random.default_rng(seed)
    picture = generator.uniform(-0.25, 0.25, (3, *size))
    for cell in (8, 32):
        coarse = generator.uniform(-0.25, 0.25, (3, -(-size[0] // cell), -(-size[1] // cell)))
        picture += coarse.repeat(cell, 1).repeat(cell, 2)[:, : size[0], : size[1]]
    return np.float32(np.clip(0.5 + contrast * picture, 0, 1))


def build(entry, randomise):
    """A detector in PyTorch, and its pictures: one without an object, one with one, and one with many."""
    import torch
    from torchvision.models import detection

    torch.manual_seed(0)
    [size] = [shape[1:] for shape in entry.inputs.values()]
    module = detection.__dict__[entry.name](weights=None, weights_backbone=None, num_classes=CLASSES, **entry.options)
    module.eval()
    with torch.no_grad():
        examples = [torch.from_numpy(_picture(size, step / 7, step)) for step in range(8)]
        for path, layer in module.named_modules():
            if isinstance(layer, torch.nn.Conv2d) and "head." in path:  # Most are born with nearly no weights.
                torch.nn.init.kaiming_normal_(layer.weight)
        with _few_objects(module):
            randomise(module, examples)
        for path, layers, spread in _predictors(module, entry.name):
            sees_boxes = not path.startswith(("roi_heads.mask", "roi_heads.keypoint"))
            with _only_boxes(module) if sees_boxes else _few_objects(module):
                _spread(module, layers, spread, examples)
        with _only_boxes(module):
            _see_contrast(module, entry.name, examples[:1], examples[-3:])
            return module, _find_pictures(module, entry.name, size)


def _find_pictures(module, name, size):
    import torch

    def picture(contrast):
        return _picture(size, contrast, 9)

    # Only the layers of the scores change: what comes before them is computed once for each contrast.
    fixed = [module.backbone, *([module.rpn] if "rcnn" in name else [])]
    forwards = [part.forward for part in fixed]
    known = {}

    def recall(contrast, forward):
        def run(*inputs):
            if (contrast, forward) not in known:
                known[contrast, forward] = forward(*inputs)
            return known[contrast, forward]
        return run

    def find(contrast):
        """The number of objects, and the least relative difference of two scores."""
        with contextlib.ExitStack() as stack:
            for part, forward in zip(fixed, forwards):
                stack.enter_context(_replaced(part, {"forward": recall(contrast, forward)}))
            [found] = module([torch.from_numpy(picture(contrast))])
        scores = found["scores"].sort().values.log()
        return len(scores), scores.diff().min() if len(scores) > 1 else 1

    layers = list(_score_layers(module, name))
    contrasts = [0, 0.1, 0.5, 1]
    low, high, now = -20, 10, 0
    for _ in range(12):
        middle = (low + high) / 2
        for layer, is_object in layers:
            layer.bias += (middle - now) * is_object
        now = middle
        counts = [find(contrast)[0] for contrast in contrasts]
        if not min(counts) and max(counts) >= MANY:
            break
        low, high = (low, middle) if min(counts) else (middle, high)
    else:
        raise ValueError(f"no scores of {name} are such that some pictures have no object and some many: {counts}")
    none, most = (contrasts[counts.index(wanted)] for wanted in (0, max(counts)))
    low, high, one = none, most, None
    for _ in range(40):
        one = (low + high) / 2
        count, _ = find(one)
        if count == 1:
            break
        low, high = (low, one) if count else (one, high)
    else:
        raise ValueError(f"no picture of {name} has one object")
    # Few enough that their scores can differ.
    while find((one + most) / 2)[0] > MANY:
        most = (one + most) / 2
    for many in np.linspace(one, most, 32):
        count, difference = find(many)
        if count >= MANY and difference > CLOSE:
            return np.stack([picture(contrast) for contrast in (none, one, many)])
    raise ValueError(f"all pictures of {name} that have many objects have some with the same score")
