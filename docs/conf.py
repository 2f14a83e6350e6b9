"""Sphinx configuration."""

from importlib.metadata import version as installed_version

project = "diffinterface"
author = "The diffinterface developers"
project_copyright = "2026, The diffinterface developers"
version = release = installed_version("diffinterface")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autoclass_content = "class"
napoleon_google_docstring = False
napoleon_use_rtype = False
default_role = "code"

html_theme = "furo"
html_title = "diffinterface"
html_theme_options = {"navigation_with_keys": True}
