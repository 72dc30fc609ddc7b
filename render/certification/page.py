"""The certificate as a page to read: certificate.md, with its pictures."""

from render.certification.certificate import Certificate, Check


def certificate_page(certificate: Certificate) -> str:
    """Markdown: the verdict, what was measured with what, every check, the worst pixels, and the agreement table."""
    facts = {
        "heads": ", ".join(certificate.families) or "none",
        "mode": f"{certificate.mode}, on the {certificate.device}",
        "software": ", ".join(f"{name} {version}" for name, version in certificate.software.items()),
        "epochs": ", ".join(f"{name} {epoch}" for name, epoch in certificate.epochs.items()),
        "engine": ", ".join(f"{name} {value}" for name, value in certificate.engine.items()),
        "assets": ", ".join(f"{name} {sha256[:12]}" for name, sha256 in certificate.assets.items()) or "none",
    }
    lines = ["# Certificate of ground truth", "", f"**{certificate.summary}**", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    lines += ["", "## Worst of each kind", "", *_table(_worst_of_each_kind(certificate.checks)), ""]
    for check in certificate.checks:
        if check.picture:
            lines += [
                f"### {check.layer} {check.quantity}: {_error(check)}{'' if check.passed else ' FAILED'}",
                "",
                f"{check.scene}, {check.width_px}x{check.height_px}, row and column {check.worst_at}: shown, expected, "
                "error (brightest at the bound)",
                "",
                f"![worst pixel]({check.picture})",
                "",
            ]
    if certificate.agreement:
        lines += ["## Normals against depth, by subdivision level", ""]
        lines += ["| heads | level | median, degrees | 90 %, degrees | triangles | CPU s a frame | CPU s a person |"]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [
            f"| {one.family} | {one.subdivision_level} | {one.median_deg:.3f} | {one.percentile_90_deg:.3f} | "
            f"{one.triangles} | {one.frame_cpu_seconds:.2f} | {one.person_cpu_seconds:.2f} |"
            for one in certificate.agreement
        ]
        lines.append("")
    lines += ["## All checks", "", *_table(certificate.checks), ""]
    return "\n".join(lines)


def _table(checks: tuple[Check, ...] | list[Check]) -> list[str]:
    head = ["| scene | size | layer | quantity | median | 99 % | worst | bound | compared | |", "|" + "---|" * 10]
    return head + [
        f"| {one.scene} | {one.width_px}x{one.height_px} | {one.layer} | {one.quantity} | {one.median:.4f} | "
        f"{one.percentile_99:.4f} | {one.worst:.4f} | {one.bound:g} {one.unit} | {one.compared} | "
        f"{'ok' if one.passed else '**FAILED**'} |"
        for one in checks
    ]


def _worst_of_each_kind(checks: tuple[Check, ...]) -> list[Check]:
    kinds = dict.fromkeys((check.layer, check.quantity) for check in checks)
    return [
        max((one for one in checks if (one.layer, one.quantity) == kind), key=lambda one: (not one.passed, one.worst))
        for kind in kinds
    ]


def _error(check: Check) -> str:
    return f"{check.worst:.4f} of {check.bound:g} {check.unit}"
