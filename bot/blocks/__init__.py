"""Block Kit: views in, blocks and their plain-text summaries out. Pure, one file a message.

Every length is held here for the longest names, because Slack refuses a whole message for one
character too many. Text that we did not write passes through `bot.escape` first.
"""
