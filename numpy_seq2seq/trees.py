"""Appendix: trees. Arrays in nested tuples and dictionaries, such as a decoder's state.

It stands apart: whoever generates hands states on without looking inside, and needs this one function.
"""


def tree_map(function, tree):
    """The same nesting with function(array) in the place of every array; None stays None.

        >>> tree_map(lambda a: a[:1], (np.array([1, 2]), {"h": np.array([3, 4])}, None))
        (array([1]), {'h': array([3])}, None)
    """
    if isinstance(tree, dict):
        return {name: tree_map(function, branch) for name, branch in tree.items()}
    if isinstance(tree, tuple):
        branches = [tree_map(function, branch) for branch in tree]
        return type(tree)(*branches) if hasattr(tree, "_fields") else tuple(branches)
    return None if tree is None else function(tree)
