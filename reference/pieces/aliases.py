"""What libraries and people call the inputs that many lines have."""

ARRAY = ("input", "inputs", "a", "array", "xs", "v", "values", "operand")
LOGITS = ("logits", "logit", "preactivation", "input", "inputs", "x", "a")
PREDICTION = (
    *("yhat", "y_pred", "pred", "preds", "prediction", "predictions", "p", "probs", "probability", "probabilities"),
    *("input", "inputs", "output", "outputs"),
)
TARGET = ("target", "targets", "label", "labels", "y_true", "true", "truth", "t")
WEIGHTS = ("weights",)  # the ``weight`` of a loss is one of its examples
BIAS = ("bias",)
KERNEL = ("weight", "weights", "kernel", "w")
FEATURES = ("x", "input", "inputs", "features", "a")
