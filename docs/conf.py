"""Sphinx configuration."""

import ast
import os
from importlib.metadata import version as installed_version

from sphinx.pycode import ModuleAnalyzer

os.environ.setdefault("JAX_PLATFORMS", "cpu")  # or JAX tells each page that it found no GPU

project = "diffinterface"
author = "The diffinterface developers"
project_copyright = "2026, The diffinterface developers"
version = release = installed_version("diffinterface")

extensions = [
    "myst_nb",
    "sphinx_design",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autoclass_content = "class"
napoleon_google_docstring = False
napoleon_use_ivar = True  # or two attributes of one name are two targets of a reference
napoleon_use_rtype = False
default_role = "code"

# Tutorials run at every build: the library may have changed where their text has not.
nb_execution_mode = "force"
nb_execution_timeout = 600  # of a cell, on a busy machine
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_output_stderr = "remove-warn"  # a warning inside a tutorial is a warning of the build
nb_merge_streams = True

html_theme = "furo"
html_title = "diffinterface"
pygments_dark_style = "github-dark"  # furo's own underlines what is imported, like a link
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {"color-brand-primary": "#0b5fa5", "color-brand-content": "#0b5fa5"},
    "dark_css_variables": {"color-brand-primary": "#6cb6ff", "color-brand-content": "#6cb6ff"},
}

# Several classes have a `shape`; the field lists of numpydoc name it without its class.
suppress_warnings = ["ref.python"]


def comment_where_defined(app, what, name, value, options, lines):
    """Data of `extend` is commented where it is defined; Sphinx looks where it is imported."""
    module, _, attribute = name.rpartition(".")
    if what != "data" or not module.startswith("diffinterface.extend"):
        return
    for node in ast.parse(ModuleAnalyzer.for_module(module).code).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            for alias in node.names:
                if (alias.asname or alias.name) == attribute:
                    home = ModuleAnalyzer.for_module(f"diffinterface.{node.module}")
                    lines[:] = home.find_attr_docs()["", alias.name]


def setup(app):
    app.connect("autodoc-process-docstring", comment_where_defined)
