"""Two hundred strings that want to be more than text: markup, scripts, URLs,
terminal sequences, line ends, turned writing, what breaks out of JSON, CSV
and attributes. Each that runs would set window.pwned. And rows of them."""
import json

CALL = "window.pwned=1"

MARKUP = [
    "<script>{c}</script>", "<SCRIPT>{c}</SCRIPT>", "<script src=/x.js>",
    "</script><script>{c}</script>", "<img src=x onerror={c}>",
    "<img src=x onerror='{c}'>", '<img src=x onerror="{c}">',
    "<img/src=x/onerror={c}>", "<svg onload={c}>", "<svg/onload={c}>",
    "<svg><script>{c}</script></svg>", "<svg><animate onbegin={c} "
    "attributeName=x dur=1s>", "<body onload={c}>", "<iframe src="
    "'javascript:{c}'>", "<iframe srcdoc='<script>parent.{c}</script>'>",
    "<object data='javascript:{c}'>", "<embed src='javascript:{c}'>",
    "<a href='javascript:{c}'>x</a>", "<a href='data:text/html,<script>{c}"
    "</script>'>x</a>", "<form action='javascript:{c}'><button>x</button>",
    "<button formaction='javascript:{c}'>x</button>", "<input autofocus "
    "onfocus={c}>", "<select autofocus onfocus={c}>", "<textarea autofocus "
    "onfocus={c}>", "<keygen autofocus onfocus={c}>", "<video><source "
    "onerror={c}>", "<video src=x onerror={c}>", "<audio src=x onerror={c}>",
    "<details open ontoggle={c}>", "<marquee onstart={c}>", "<math href="
    "'javascript:{c}'>x</math>", "<link rel=stylesheet href=/x.css "
    "onload={c}>", "<style>@import '/x.css';</style>", "<style>*{{background:"
    "url(/x.png)}}</style>", "<meta http-equiv=refresh content='0;url="
    "javascript:{c}'>", "<base href='//evil.example.com/'>", "<template>"
    "<script>{c}</script></template>", "<noscript><p title='</noscript><img "
    "src=x onerror={c}>'>", "<xmp><script>{c}</script></xmp>", "<!--<img "
    "src='--><img src=x onerror={c}//'>", "<![CDATA[<script>{c}</script>]]>",
    "<?xml version='1.0'?><script>{c}</script>", "<isindex action="
    "'javascript:{c}'>", "<table background='javascript:{c}'>", "<div style="
    "'background:url(javascript:{c})'>", "<div style='width:expression({c})'>",
    "<x onclick={c}>click</x>", "<x contenteditable onblur={c}>",
    "<p onmouseover={c}>hover</p>", "<a onpointerenter={c}>x</a>",
]
BREAKS = [
    '"><script>{c}</script>', "'><script>{c}</script>", '"/><img src=x '
    'onerror={c}>', "'-{c}-'", '"-{c}-"', '";{c};//', "';{c};//", "\\';{c};//",
    '\\";{c};//', "`${{{c}}}`", "${{{c}}}", "{{{{{c}}}}}", "#{{{c}}}", "<%= {c} "
    "%>", "{{{{constructor.constructor('{c}')()}}}}", '" onmouseover="{c}',
    "' onfocus='{c}' autofocus='", "javascript:{c}", "JaVaScRiPt:{c}",
    "java\tscript:{c}", "java\nscript:{c}", "\x01javascript:{c}",
    "data:text/html,<script>{c}</script>", "data:text/html;base64,"
    "PHNjcmlwdD53aW5kb3cucHduZWQ9MTwvc2NyaXB0Pg==", "vbscript:{c}",
    "//evil.example.com/x.js", "\\\\evil.example.com\\x", "/\\evil.example.com",
    "&lt;script&gt;{c}&lt;/script&gt;", "&#60;script&#62;{c}&#60;/script&#62;",
    "%3Cscript%3E{c}%3C/script%3E", "\\u003cscript\\u003e{c}\\u003c/script"
    "\\u003e", "\\x3cscript\\x3e{c}", "+ADw-script+AD4-{c}+ADw-/script+AD4-",
    "<scr<script>ipt>{c}</scr</script>ipt>", "<scr\x00ipt>{c}</scr\x00ipt>",
    "<\u017fcript>{c}</\u017fcript>", "\uff1cscript\uff1e{c}\uff1c/script\uff1e",
    "</title><script>{c}</script>", "</textarea><script>{c}</script>",
    "</style><script>{c}</script>", "]]><script>{c}</script>",
    "--><script>{c}</script>", "*/{c}/*", "*/</script><script>{c}</script>",
    '{{"__proto__":{{"pwned":1}}}}', "__proto__", "constructor", "toString",
    "hasOwnProperty",
]
LINES = [
    "\r\nSet-Cookie: pwned=1", "\r\n\r\n<script>{c}</script>", "\nevent: row\n"
    "data: {{}}", "\n\ndata: <script>{c}</script>", "\rid: 1", "a\nb", "a\r\nb",
    "\n", "\r", "\x0b", "\x0c", "a\u2028{c}", "a\u2029{c}", "a\x85b",
    "%0d%0aSet-Cookie: pwned=1", "\\r\\nSet-Cookie: pwned=1", "data: x\n\n",
    ": comment\n", "retry: 1\n", "id: 99999\n\n", "=cmd|'/c calc'!A0",
    "=HYPERLINK(\"http://evil.example.com\",\"x\")", "+1+1", "-1+1", "@SUM(1)",
    "\t=1+1", ",,,,", '""""', "a;b;c", "a|b|c",
]
TERMINAL = [
    "\x1b[31mred\x1b[0m", "\x1b[2J", "\x1b[H", "\x1b]0;title\x07",
    "\x1b]8;;http://evil.example.com\x07x\x1b]8;;\x07", "\x1b]52;c;cHduZWQ=\x07",
    "\x1bc", "\x1b[6n", "\x1bP+q\x1b\\", "\x1b[?1049h", "\x9b31m", "\x9d0;t\x9c",
    "\x08\x08\x08", "\x07", "\x7f", "\x00", "\x1a", "\x04", "\x0e", "\x0f",
    "a\rb", "\x1b[1A\x1b[2K", "\x1b[5i", "\x1b#8", "\x1b(0", "\u009b5m",
    "\u0090q\u009c", "\u001b[38;5;196mx", "\x1b[8mhidden\x1b[0m", "\x1b[3;J",
]
WRITING = [
    "\u202egnp.exe", "\u202dabc", "\u2066\u2067\u2068\u2069", "\u200e\u200f",
    "\u061c", "a\u200bb", "a\u200cb", "a\u200db", "\ufeffa", "\u2060a",
    "\ufff9a\ufffab\ufffb", "\u0430pple", "\u03bf", "\U0001f469\u200d\U0001f4bb",
    "\u0e33" * 20, "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d" * 10,
    "\ufdfd" * 10, "\u0001", "\U000e0041", "\ud7ff", "\ue000", "\ufffd",
    "\U0010ffff", "a" * 250, "W" * 250, " " * 100, "\u3000" * 50, "\u00a0",
    "-" * 250, "/" * 250, "a b " * 60, "\\" * 250, "'" * 250, '"' * 250,
    "<" * 250, "&" * 250, "%" * 250, "null", "undefined", "NaN",
]


def strings():
    """Each different, none empty, within every field's limit."""
    every = MARKUP + BREAKS + LINES + TERMINAL + WRITING
    return [s.replace("{c}", CALL).replace("{{", "{").replace("}}", "}")
            for s in every]


# A row's fields, and how long each may be.
LIMITS = {"trigger": 64, "source": 64, "repository": 255, "tag": 128,
          "digest": 71, "reason": 1024, "target": 255, "url": 2048,
          "from_digest": 71, "to_digest": 71, "instance": 255,
          "generation": 16}


def cut(text, limit):
    text = text.replace("\0", "\u2400")
    return text.encode()[:limit].decode(errors="ignore")


def hostile_row(n, text, **fields):
    """A row with the text in every field."""
    detail = json.dumps({text: [text, {"body": text}]})
    return {"id": cut(f"{n:03}/{text}", 140), "time": 1700000000000 + n,
            "final": True, "status": cut(f"{n % 7}{text}", 32), "attempt": 1,
            "duration_ms": json.dumps({cut(text, 100): 5, "total": 9}),
            "request": detail, "response": detail,
            **{k: cut(text, v) for k, v in LIMITS.items()}, **fields}
