"""`StatefulLayer`: derivatives of layers, and states that advance once a call."""
