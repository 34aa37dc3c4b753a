"""Anatomy: what both networks of a recipe or of a trained model are made of, and what they learn from."""

from dataclasses import replace

import streamlit as st

from gan_core import anatomy, library
from gan_core.anatomy import Network
from gan_core.comparison import recipe_differences
from gan_core.data import find_dataset
from gan_core.recipes import RECIPES, find_recipe
from gan_core.recipes.recipe import Recipe
from gan_core.schedules import SCHEDULES
from pages.ui import charts, fields, forms, guest_view, network_graph, panels, recipe_maths, state
from pages.ui.i18n import N_, _
from pages.ui.layer_table import layer_table
from pages.ui.model_picker import choose_model
from pages.ui.term_choice import choose_terms

NAMES = [recipe.name for recipe in RECIPES]
SUBJECTS = {"recipe": N_("A recipe"), "model": N_("A trained model")}
SUBJECT = "anatomy.subject"  # session state: which of them the switch shows
PLAYERS = (("generator", N_("Generator"), charts.BLUE), ("discriminator", N_("Discriminator"), charts.ORANGE))


def recipe_title(name: str) -> str:
    recipe = find_recipe(name)
    return f"{recipe.report} · {_(recipe.title)}"


def change_subject() -> None:
    """The URL alone says what is shown: ?model= a trained model, anything else a recipe."""
    first = guest_view.listed(library.models())[0].ref if st.session_state[SUBJECT] == "model" else None
    state.write(model=first, recipe=None, set=None, d_terms=None, g_terms=None)


def choose() -> tuple[Recipe, tuple[int, int, int], int] | None:
    """(recipe, picture's shape, number of classes) of what the visitor wants to see; None where there is nothing."""
    subject = "model" if "model" in st.query_params else "recipe"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if guest_view.listed(library.models()):
            st.session_state[SUBJECT] = subject
            st.segmented_control(
                _("Show"), list(SUBJECTS), format_func=lambda name: _(SUBJECTS[name]), key=SUBJECT, required=True,
                on_change=change_subject,
            )  # fmt: skip
        if subject == "model":
            model = choose_model()
            if model is None:
                return None
            state.write(model=model.ref)
            info = library.describe(model.ref)
            return info.recipe, info.image_shape, len(info.class_names)
        name = state.choice(st.selectbox, _("Recipe"), NAMES, param="recipe", label=recipe_title)
    recipe = find_recipe(name)
    section = st.expander(_("Change the settings"), icon=":material/tune:", key="anatomy.settings", on_change="rerun")
    with section:
        terms, fill = choose_terms(recipe, f"anatomy.{name}", drawn=bool(section.open))
        edited = forms.edit(
            recipe, key=f"anatomy.{name}", param="set", alternatives={"schedule": SCHEDULES}, parts=terms,
            drawn=bool(section.open),
        )  # fmt: skip
        fill()
    recipe = edited or recipe
    source = find_dataset(recipe.dataset)
    return recipe, source.image_shape, len(source.class_names)


def show_networks(recipe: Recipe, networks: tuple[Network, Network]) -> None:
    """Both drawings side by side, each with its figures and its file."""
    for column, network, (name, title, hue) in zip(st.columns(2, gap="large"), networks, PLAYERS, strict=True):
        with column:
            st.subheader(_(title), anchor=name)
            with st.container(horizontal=True):
                st.metric(_("Parameters"), f"{network.trainable:,}", width="content")
                st.metric(_("FLOPs per picture"), f"{network.flops:,}", width="content")
            network_graph.network_graph(network, key=f"graph.{name}", title=_(title), hue=hue)
            drawing = network_graph.draw(
                network_graph.layout(network), title=_(title), palette=network_graph.printed(hue)
            )
            file = (_("Drawing (SVG)"), drawing.encode(), f"{recipe.name}-{name}.svg", "image/svg+xml")
            panels.download_row([file], key=f"anatomy.{name}")


def show_tables(networks: tuple[Network, Network]) -> None:
    """Both networks layer by layer."""
    st.header(_("Layer by layer"), anchor="layers")
    for network, (_name, title, _hue) in zip(networks, PLAYERS, strict=True):
        st.markdown(f"**{_(title)}**")
        layer_table(network)
    st.caption(
        _(
            "For one picture, when the networks rest (batch norm uses its running statistics). 5×5 / 2 is a kernel of "
            "5×5 pixels that moves by 2. A multiply–add counts as two FLOPs, normalising a value too; biases, "
            "activations and comparisons as one for each value. Buffers are kept but not trained."
        )
    )


def show_changes(recipe: Recipe) -> None:
    """In what the recipe differs from its report's, or from another one."""
    st.header(_("Against the report"), anchor="report")
    default = recipe.name if recipe.name in NAMES else NAMES[0]
    if "against" not in st.query_params:  # the report of what was shown before is no choice of the visitor's
        st.session_state.pop("against", None)
    base = find_recipe(
        state.choice(st.selectbox, _("Compare with"), NAMES, param="against", default=default, label=recipe_title)
    )
    changes = recipe_differences([base, recipe])
    if not changes:
        same = _("No setting differs: this is {title} as its report describes it.")
        own = _("No setting differs: this is {title} as we made it.")
        st.markdown((same if base.of_report else own).format(title=_(base.title)))
    else:
        heads = [_("Setting"), _(base.title), _("Here")]
        rows = [
            [" › ".join(part for part in (_(fields.SECTIONS.get(change.section, "")), _(change.part), _(change.title))
                        if part), *("–" if value is None else _(fields.as_text(value)) for value in change.values)]
            for change in changes
        ]  # fmt: skip
        lines = [heads, [":--"] * 3, *rows]
        st.markdown("\n".join("| " + " | ".join(line) + " |" for line in lines))
    if recipe.reported:
        st.markdown("**" + _("What the report measured") + "**")
        st.markdown("\n".join(f"- {_(figure)}" for figure in recipe.reported))
    if recipe.notes:
        gaps, reasons = _("What the report leaves open, and how it is settled here"), _("How it is made, and why")
        st.markdown(f"**{gaps if recipe.of_report else reasons}**")
        st.markdown("\n".join(f"- {_(note)}" for note in recipe.notes))


st.title(_("Anatomy"))
st.markdown(_("What both networks are made of, what each layer costs, and what they learn from."))
if chosen := choose():
    recipe, image_shape, classes = chosen
    st.markdown(f"**{_(recipe.title)}** — {_(recipe.summary)}")
    st.caption(_(recipe.source))
    with panels.guard():
        # Neither name nor notes matter here, and one without them is found again however often they differ.
        networks = anatomy.networks(replace(recipe, notes=(), reported=()), image_shape, classes)
        show_networks(recipe, networks)
        show_tables(networks)
    st.header(_("What they learn from"), anchor="losses")
    recipe_maths.losses(recipe)
    st.header(_("How they learn"), anchor="optimisers")
    recipe_maths.sampling(recipe, image_shape)
    recipe_maths.optimisers(recipe)
    recipe_maths.techniques(recipe)
    show_changes(recipe)
