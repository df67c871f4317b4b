"""Dialogs: open a data set or checkpoint, export, report, settings, help, command palette.

Each is imported when it is first opened: ``from app.views import dialogs``, then
``dialogs.WeightsDialog``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qaconv_core.lazy import names_at_first_use

if TYPE_CHECKING:
    from app.views.dialogs.adapt_dialog import AdaptDialog as AdaptDialog
    from app.views.dialogs.answers_dialog import AnswersDialog as AnswersDialog
    from app.views.dialogs.case_dialog import CaseDialog as CaseDialog
    from app.views.dialogs.command_palette import CommandPalette as CommandPalette
    from app.views.dialogs.export_dialog import ExportDialog as ExportDialog
    from app.views.dialogs.forget_dialog import ForgetDialog as ForgetDialog
    from app.views.dialogs.help_dialog import HelpDialog as HelpDialog
    from app.views.dialogs.help_dialog import help_on as help_on
    from app.views.dialogs.help_dialog import show_help as show_help
    from app.views.dialogs.import_dialog import ImportDialog as ImportDialog
    from app.views.dialogs.key_sheet import KeySheet as KeySheet
    from app.views.dialogs.matrix_dialog import MatrixDialog as MatrixDialog
    from app.views.dialogs.note_dialog import NoteDialog as NoteDialog
    from app.views.dialogs.open_data import OpenDataDialog as OpenDataDialog
    from app.views.dialogs.open_model import OpenModelDialog as OpenModelDialog
    from app.views.dialogs.report_dialog import ReportDialog as ReportDialog
    from app.views.dialogs.scene_canvas import SceneCanvas as SceneCanvas
    from app.views.dialogs.scene_dialog import SceneDialog as SceneDialog
    from app.views.dialogs.settings_dialog import SETTINGS_FIELDS as SETTINGS_FIELDS
    from app.views.dialogs.settings_dialog import SettingsDialog as SettingsDialog
    from app.views.dialogs.sheet_dialog import SheetDialog as SheetDialog
    from app.views.dialogs.video_dialog import VideoDialog as VideoDialog
    from app.views.dialogs.weights_dialog import WeightsDialog as WeightsDialog

__all__ = [
    "SETTINGS_FIELDS",
    "AdaptDialog",
    "AnswersDialog",
    "CaseDialog",
    "CommandPalette",
    "ExportDialog",
    "ForgetDialog",
    "HelpDialog",
    "ImportDialog",
    "KeySheet",
    "MatrixDialog",
    "NoteDialog",
    "OpenDataDialog",
    "OpenModelDialog",
    "ReportDialog",
    "SceneCanvas",
    "SceneDialog",
    "SettingsDialog",
    "SheetDialog",
    "VideoDialog",
    "WeightsDialog",
    "help_on",
    "show_help",
]

_HOMES = {
    "SETTINGS_FIELDS": "settings_dialog",
    "AdaptDialog": "adapt_dialog",
    "AnswersDialog": "answers_dialog",
    "CaseDialog": "case_dialog",
    "CommandPalette": "command_palette",
    "ExportDialog": "export_dialog",
    "ForgetDialog": "forget_dialog",
    "HelpDialog": "help_dialog",
    "ImportDialog": "import_dialog",
    "KeySheet": "key_sheet",
    "MatrixDialog": "matrix_dialog",
    "NoteDialog": "note_dialog",
    "OpenDataDialog": "open_data",
    "OpenModelDialog": "open_model",
    "ReportDialog": "report_dialog",
    "SceneCanvas": "scene_canvas",
    "SceneDialog": "scene_dialog",
    "SettingsDialog": "settings_dialog",
    "SheetDialog": "sheet_dialog",
    "VideoDialog": "video_dialog",
    "WeightsDialog": "weights_dialog",
    "help_on": "help_dialog",
    "show_help": "help_dialog",
}

__getattr__ = names_at_first_use(__name__, _HOMES)
