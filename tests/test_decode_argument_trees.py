"""Argument trees in reading order."""

from hypothesis import given
from hypothesis import strategies as st

from mastermind_lab.decode.trees import nodes_of

trees = st.recursive(st.just([]), lambda inner: st.lists(inner, max_size=4), max_leaves=40)


class Node:
    def __init__(self, children):
        self.children = [Node(child) for child in children]


@given(st.lists(st.one_of(st.none(), trees, trees.map(Node)), max_size=5))
def test_trees_are_listed_in_reading_order(drawn):
    tops = [[Node(one) for one in tree] if isinstance(tree, list) else tree for tree in drawn]
    expected = []

    def visit(node, owner, parent, depth):
        expected.append((node, owner, parent, depth))
        place = len(expected) - 1
        for child in node.children:
            visit(child, owner, place, depth + 1)

    for owner, tree in enumerate(tops):
        for root in tree if isinstance(tree, list) else [tree] if tree else []:
            visit(root, owner, -1, 0)
    found = nodes_of(tops)
    assert [*zip(found.nodes, *(places.tolist() for places in found[1:]), strict=True)] == expected
