"""The statistics that SQL cannot do: Arrow rows of a mart's query in, the mart's rows out.

Each step is named by the ``Then`` line of a file in ``sql/``: `hosts.against_peers` rates hosts,
`cohorts.explain_away` names the cohorts that explain what the fleet has too much of.
"""
