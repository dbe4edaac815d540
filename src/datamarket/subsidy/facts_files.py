"""Facts from files: `enterprises` and `projects`, as CSV in a folder or as sheets of a workbook.

Amounts are yuan text with at most two decimals, truths `true` or `false`, instants ISO 8601 (a day
without a time begins at midnight in Qingdao); an empty cell is a fact that is not known. Every
column that the scheme needs must be there; columns of no known fact are not read.
A project takes `registered_in_city` and `suspended` from its enterprise's row when there is one,
and a project row that says otherwise is refused; without such a row its own columns count.
"""


