"""Finding the item in which a merged one goes on."""

from typing import Final

from chalicelib.item.item import Item
from chalicelib.world import World

#: So many times an item may have been merged on. Only what was not merged is merged into, so no way leads in a circle.
LONGEST_WAY: Final = 20


def goes_on_in(item: Item, world: World) -> Item:
    """The item in which this one goes on now, itself where it was not merged; one call for each merge on the way.

    At the end of a way that is too long stands an item that was merged itself, which nothing can join.
    """
    for _ in range(LONGEST_WAY):
        if item.merged_into is None:
            break
        item = world.table.item(item.merged_into)
    return item
