"""Where requests that write the same kind of thing become one batch: desk = 受理台."""
