"""What is worth drawing of a formula: functions of a ``lab``. Captions are put together from the numbers they stand under.

A lab is of one ``formula``. It offers

- ``path(reading, gradients, rates, start, **hyper)``: a weight after each step, exactly; ``hyper``, the values that are used;
- ``slope(reading, **arrays)``: the cotangent of the first input for a cotangent of ones, exactly, ``ulps(truth, values)`` the
  distance of float64 numbers from it, and ``format``, which is float64;
- ``observed(derived=True, **arrays)``: the same cotangent as each installed framework returns it, by what it is called;
- ``series(label, x, y, positive=False)``, with gaps where there is no finite value (or none above zero); ``merged(series)``,
  those with the same values as one; ``curve(title, caption, labels, series, scales)``.
"""
