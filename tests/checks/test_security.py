"""The security check: what counts as protection, what is critical, and what is left alone."""

from __future__ import annotations

import base64
import pickle
import random
import string
from pathlib import Path

import pytest

from checks import report_json
from checks.evidence import exposure, manifests, protection, repository, secrets
from checks.report import Grade, Report, Severity
from tests.checks.conftest import LENDING, finding_of, judge, verdict_of
from tests.checks.test_lending import Damage, remove, replace
from tests.checks.test_pickles import HOSTILE, text
from tests.checks.test_release_evidence import tree
from tests.checks.trees import write

NAME = "security"
DICE = random.Random(5)


def letters(count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Text with the entropy of a token, made here so that none lies in the tree."""
    return "".join(DICE.choices(alphabet, k=count))


@pytest.fixture(scope="module")
def report() -> Report:
    """The example as it is."""
    return judge(LENDING, NAME)


def test_the_example_has_everything_with_a_place(report: Report) -> None:
    verdict = verdict_of(report, NAME)
    assert (verdict.score, verdict.passed, verdict.critical) == (1.0, True, False)
    assert {f.rule.partition(".")[2] for f in verdict.findings if f.worth} == {
        *("authentication", "authorisation", "validation", "encryption", "audit", "scanning")
    }
    for finding in verdict.findings:
        assert finding.severity is Severity.INFO, finding
        assert finding.where is not None
        if finding.where.path != "model/model.joblib":
            lines = (LENDING / finding.where.path).read_text(encoding="utf-8").splitlines()
            assert 1 <= (finding.where.line or 0) <= len(lines)


WORKFLOW, MANIFEST = ".github/workflows/deploy.yml", "k8s/modeldeployment.yaml"


@pytest.mark.parametrize(
    ("damage", "rule", "score"),
    [
        (replace("serve.py", "hmac.compare_digest(known, given)", "True"), "authentication", 0.7),
        (remove("k8s/networkpolicy.yaml"), "authorisation", 0.8),
        (replace("serve.py", "isinstance(", "bool("), "validation", 0.8),
        (remove("k8s/gateway.yaml"), "encryption", 0.9),
        (replace("serve.py", "audit", "journal"), "audit", 0.9),
        (replace(WORKFLOW, "pypa/gh-action-pip-audit", "acme/nothing"), "scanning", 0.9),
    ],
)
def test_each_piece_of_the_example_counts(
    lending: Path, damage: Damage, rule: str, score: float
) -> None:
    damage(lending)
    report = judge(lending, NAME)
    finding = finding_of(report, f"{NAME}.{rule}")
    assert finding.grade is Grade.MISSING
    assert finding.recommendation in report.recommendations
    assert verdict_of(report, NAME).score == pytest.approx(score)


def test_a_declaration_is_worth_half(lending: Path) -> None:
    (lending / "k8s/gateway.yaml").unlink()
    with (lending / "holdpoint.yml").open("a", encoding="utf-8") as file:
        file.write("\ndeclarations:\n  - {item: security.encryption, says: by the mesh}\n")
    report = judge(lending, NAME)
    assert finding_of(report, f"{NAME}.encryption").grade is Grade.DECLARED
    assert verdict_of(report, NAME).score == pytest.approx(0.95)


def test_removing_any_file_never_raises_the_score(lending: Path) -> None:
    (lending / "k8s/gateway.yaml").unlink()  # so that there is something to gain
    whole = verdict_of(judge(lending, NAME), NAME).score
    assert whole is not None
    assert whole == pytest.approx(0.9)
    for path in sorted(lending.rglob("*")):
        if path.is_file() and path.name not in {"model.joblib", "holdpoint.yml"}:
            content = path.read_bytes()
            path.unlink()
            assert (verdict_of(judge(lending, NAME), NAME).score or 0) <= whole, path
            path.write_bytes(content)
    (lending / "serve.py").unlink()
    (lending / "k8s/networkpolicy.yaml").unlink()
    verdict = verdict_of(judge(lending, NAME), NAME)
    assert verdict.score == pytest.approx(0.1)
    assert verdict.critical


@pytest.mark.parametrize("name", ["model/model.joblib", "old/model.pkl"])
@pytest.mark.parametrize("which", ["os.system", "zlib", "behind a broken byte"])
def test_an_unsafe_model_is_critical_by_itself(lending: Path, name: str, which: str) -> None:
    (lending / name).parent.mkdir(exist_ok=True)
    (lending / name).write_bytes(HOSTILE[which][0])
    report = judge(lending, NAME)
    (issue,) = report.critical_issues
    assert f"{name} is a program" in issue
    assert HOSTILE[which][1] in issue
    assert verdict_of(report, NAME).score == 1.0
    assert not verdict_of(report, NAME).passed


def test_other_packages_are_named_and_broken_files_are_said(lending: Path) -> None:
    (lending / "own.pkl").write_bytes(b"\x80\x02cacme.models\nScorer\n)\x81.")
    (lending / "cut.pkl").write_bytes(pickle.dumps(list(range(99)))[:-20])
    report = judge(lending, NAME)
    assert "acme.models.Scorer" in finding_of(report, f"{NAME}.model.imports").message
    assert "unreadable from byte" in finding_of(report, f"{NAME}.model.unreadable").message
    assert report.critical_issues == ()


def test_text_that_looks_like_a_pickle_is_no_program(lending: Path) -> None:
    (lending / "notes.txt").write_bytes(text("os", "system"))
    assert verdict_of(judge(lending, NAME), NAME).passed


KEY = base64.b64encode(DICE.randbytes(300)).decode()
TOKENS = {
    "a private key": f"-----BEGIN PRIVATE KEY-----\n{KEY[:64]}\n{KEY[64:128]}\n",
    "an AWS access key": f"id = 'AKIA{letters(16, string.ascii_uppercase + '234567')}'",
    "an AWS secret key": f"AWS_SECRET_ACCESS_KEY={letters(40)}",
    "a GitHub token": f"token: ghp_{letters(36)}",
    "a GitLab token": f"glpat-{letters(20)}",
    "a Slack token": f"xoxb-{letters(12, string.digits)}-{letters(24)}",
    "a Slack webhook": f"https://hooks.slack.com/services/T{letters(9)}/B{letters(9)}/{letters(24)}",
    "a Google API key": f"key=AIza{letters(35)}",
    "a Stripe key": f"sk_live_{letters(24)}",
    "a Hugging Face token": f"hf_{letters(34, string.ascii_letters)}",
    "a password in an address": f"postgres://app:{letters(20)}@db.internal/app",
}


@pytest.mark.parametrize(("kind", "content"), TOKENS.items(), ids=TOKENS)
def test_a_secret_is_critical_and_never_shown(lending: Path, kind: str, content: str) -> None:
    (lending / "settings.env").write_text(f"# settings\n{content}\n", encoding="utf-8")
    report = judge(lending, NAME)
    finding = finding_of(report, f"{NAME}.secret")
    assert kind in finding.message
    assert finding.where is not None
    assert (finding.where.path, finding.where.line) == ("settings.env", 2)
    assert finding.severity is Severity.CRITICAL
    secret = content.split("\n")[-2 if "\n" in content else -1].rsplit("_", maxsplit=1)[-1][-16:]
    assert secret not in report_json.dumps(report).decode()


@pytest.mark.parametrize(
    "line",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "token: ghp_" + "x" * 36,
        "token: ghp_" + "0123456789" * 4,
        "AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY}",
        "AWS_SECRET_ACCESS_KEY=" + "a" * 40,
        "postgres://user:password@localhost/db",
        "postgres://app:$(DB_PASSWORD)@db/app",
        "if '-----BEGIN PRIVATE KEY-----' in text:",
        "xoxb-your-token-goes-here-please",
        "https://registry.example.com:5000/acme/lending@sha256:" + "0" * 64,
        "sha256:e3d4da669ae7a6d9aaa65f8711230a075ed44eea52abb70e7f72711b4fc10fdd",
    ],
)
def test_placeholders_are_no_secrets(line: str) -> None:
    assert list(secrets.find(line + "\nprint(1)\n", "x.py")) == []


@pytest.mark.parametrize(
    ("code", "item", "line"),
    [
        ("@app.post('/predict')\ndef p(key=Depends(HTTPBearer())): ...", "authentication", 2),
        ("key = APIKeyHeader(name='x-api-key')", "authentication", 1),
        ("@app.route('/')\n@login_required\ndef p(): ...", "authentication", 2),
        ("def f(t):\n    return jwt.decode_jwt(t)", "authentication", 2),
        ("@roles_required('admin')\ndef p(): ...", "authorisation", 1),
        ("def f(s: int = Security(check, scopes=[]), u=SecurityScopes()): ...", "authorisation", 1),
        ("class Row(pydantic.BaseModel):\n    x: float", "validation", 1),
        ("schema = pa.DataFrameSchema({})", "validation", 1),
        ("Draft202012Validator(schema).validate(x)", "validation", 1),
        (
            "def parse(x):\n    if not isinstance(x, dict):\n        raise ValueError('no')",
            "validation",
            2,
        ),
        (
            "class No(ValueError): ...\ndef parse(x):\n  if isinstance(x, str):\n    raise No",
            "validation",
            3,
        ),
        ("def parse(x):\n    if x.ndim != 2:\n        raise ValueError('no')", "validation", 2),
        ("uvicorn.run(app)\ncontext.load_cert_chain('a')", "encryption", 2),
        ("box = Fernet(key)", "encryption", 1),
        ("audit_log.info('predict')", "audit", 1),
        ("self.audit.write(line)", "audit", 1),
    ],
)
def test_code(code: str, item: str, line: int) -> None:
    found = [(name, each.where) for name, each in protection.code(code, "app.py")]
    assert {(name, where and where.line) for name, where in found} == {(item, line)}


@pytest.mark.parametrize(
    "code",
    [
        "# HTTPBearer, login_required, audit",
        "from fastapi.security import HTTPBearer",
        "note = 'we use JWT and an audit log'",
        "def parse(x):\n    return isinstance(x, dict)",
        "def build():\n    raise ValueError",
        "class Done(Exception): ...\ndef parse(x):\n    if isinstance(x, str):\n        raise Done",
        "def parse(x):\n    size = x.shape\n    raise ValueError",
    ],
)
def test_words_are_no_protection(code: str) -> None:
    assert list(protection.code(code, "app.py")) == []


def test_tests_protect_nothing(tmp_path: Path) -> None:
    found = tree(tmp_path, tests__test_app_dot_py="key = APIKeyHeader()", broken_dot_py="def (")
    assert protection.collect(found) == ()


STEP = "on: push\njobs:\n  a:\n    {}\n    steps:\n      - {}\n"


@pytest.mark.parametrize(
    ("condition", "step", "found"),
    [
        ("runs-on: x", "run: pip-audit -r requirements.lock", True),
        ("runs-on: x", "uses: aquasecurity/trivy-action@0.28", True),
        ("runs-on: x", "run: pip install pip-audit && pip-audit", True),
        ("runs-on: x", "run: pip install pip-audit", False),
        ("runs-on: x", "run: echo trivy", False),
        ("if: false", "run: pip-audit", False),
    ],
)
def test_scanning_in_ci(tmp_path: Path, condition: str, step: str, found: bool) -> None:
    workflow = STEP.format(condition, step)
    files = tree(tmp_path, _dot_github__workflows__x_dot_yml=workflow)
    assert bool(protection.collect(files)) is found


def test_updates_count_when_they_say_something(tmp_path: Path) -> None:
    full = "version: 2\nupdates:\n  - {package-ecosystem: pip, directory: /}\n"
    for number, (content, found) in enumerate([(full, True), ("version: 2\n", False), ("", False)]):
        files = tree(tmp_path / str(number), _dot_github__dependabot_dot_yml=content)
        assert bool(protection.collect(files)) is found


HEAD = "apiVersion: {}\nkind: {}\nmetadata: {{name: x}}\nspec:\n"


@pytest.mark.parametrize(
    ("group", "kind", "spec", "items"),
    [
        ("networking.k8s.io/v1", "NetworkPolicy", "  podSelector: {}", ["authorisation"]),
        ("security.istio.io/v1", "AuthorizationPolicy", "  rules: [{}]", ["authorisation"]),
        (
            "security.istio.io/v1",
            "PeerAuthentication",
            "  mtls: {mode: STRICT}",
            ["authentication", "encryption"],
        ),
        ("security.istio.io/v1", "PeerAuthentication", "  mtls: {mode: PERMISSIVE}", []),
        (
            "security.istio.io/v1",
            "RequestAuthentication",
            "  jwtRules: [{issuer: a}]",
            ["authentication"],
        ),
        (
            "gateway.networking.k8s.io/v1",
            "Gateway",
            "  listeners: [{protocol: HTTPS, tls: {}}]",
            ["encryption"],
        ),
        ("gateway.networking.k8s.io/v1", "Gateway", "  listeners: [{protocol: HTTP}]", []),
        ("networking.k8s.io/v1", "Ingress", "  tls: [{secretName: a}]", ["encryption"]),
        ("networking.k8s.io/v1", "Ingress", "  rules: []", []),
    ],
)
def test_manifests(tmp_path: Path, group: str, kind: str, spec: str, items: list[str]) -> None:
    found = manifests.collect(tree(tmp_path, k8s__x_dot_yaml=HEAD.format(group, kind) + spec))
    facts = list(exposure.facts(found))
    assert [item for item, _ in facts] == items
    assert all(each.where and each.where.line == 5 for _, each in facts)


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: x}
spec:
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true}
  containers:
    - name: a
      image: a:1
"""


@pytest.mark.parametrize(
    ("before", "after", "items"),
    [
        ("", "", []),
        ("spec:\n", "spec:\n  hostNetwork: true\n", [("host", 5)]),
        (
            "  containers",
            "  volumes: [{name: d, hostPath: {path: /}}]\n  containers",
            [("host", 7)],
        ),
        (
            "image: a:1",
            "image: a:1\n      securityContext: {privileged: true}",
            [("privileged", 10)],
        ),
        (
            "image: a:1",
            "image: a:1\n      securityContext: {capabilities: {add: [SYS_ADMIN]}}",
            [("privileged", 10)],
        ),
        ("  securityContext: {runAsNonRoot: true}\n", "", [("root", 2)]),
        ("Token: false", "Token: true", [("token", 5)]),
        ("  automountServiceAccountToken: false\n", "", [("token", 2)]),
    ],
)
def test_what_pods_open(
    tmp_path: Path, before: str, after: str, items: list[tuple[str, int]]
) -> None:
    content = POD.replace(before, after, 1) if before else POD
    found = manifests.collect(tree(tmp_path, k8s__x_dot_yaml=content))
    defects = list(exposure.defects(found))
    assert [(each.item, each.where and each.where.line) for each in defects] == items


def test_all_rights_are_said(tmp_path: Path) -> None:
    content = (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n"
        "metadata: {name: x}\nroleRef: {name: cluster-admin}\nsubjects: [{kind: User}]\n---\n"
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: y}\n"
        'rules: [{verbs: ["*"], resources: ["*"]}]\n'
    )
    found = manifests.collect(tree(tmp_path, k8s__x_dot_yaml=content))
    assert [each.item for each in exposure.defects(found)] == ["rbac", "rbac"]
    assert list(exposure.facts(found)) == []


def test_defects_are_findings_without_points(lending: Path) -> None:
    replace(MANIFEST, "runAsNonRoot: true", "runAsNonRoot: false")(lending)
    report = judge(lending, NAME)
    assert finding_of(report, f"{NAME}.defect.root").where is not None
    assert verdict_of(report, NAME).score == 1.0


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: database}\n"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("stringData:\n  user: app\n  key: tops3cr1t-thing\n", 5),
        ("data:\n  key: dG9wczNjcjF0LXRoaW5n\n", 5),
        ("data:\n  key: not base64 at all\n", 5),
        ("stringData:\n  key: ${DATABASE_KEY}\n", None),
        ("stringData:\n  key: change-me\n", None),
        ("data:\n  key: Y2hhbmdlLW1l\n", None),  # change-me
        ("data: {}\ntype: Opaque\n", None),
    ],
)
def test_a_secret_with_its_value_in_the_tree(
    tmp_path: Path, content: str, line: int | None
) -> None:
    found = manifests.collect(
        repository.scan(write(tmp_path, {"k8s/secret.yaml": SECRET + content}))
    )
    defects = list(exposure.defects(found))
    assert [each.where.line for each in defects if each.where] == ([line] if line else [])
    assert all("tops3cr1t" not in each.message + each.fix for each in defects)
