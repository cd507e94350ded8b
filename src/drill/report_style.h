// The report's style sheet: light, dark and print; status is always a word and a mark beside its colour.
#pragma once
#include <string_view>

namespace hz::drill {

inline constexpr std::string_view report_style = R"css(
:root{color-scheme:light dark;
--page:#f6f7f9;--card:#fff;--ink:#1a202a;--soft:#586271;--line:#dde2e9;--code:#f0f2f5;
--red:#b3261e;--red-bg:#fdeeec;--amber:#8a5300;--amber-bg:#fff3da;--blue:#1c5cb8;--blue-bg:#e9f1fd;--green:#1c6b41;--green-bg:#e7f5ed}
@media (prefers-color-scheme:dark){:root{
--page:#11151b;--card:#191f28;--ink:#e7ebf1;--soft:#a2adbb;--line:#303947;--code:#222a35;
--red:#ff9b92;--red-bg:#3b1f1e;--amber:#ffcf70;--amber-bg:#392c12;--blue:#93bdff;--blue-bg:#192b45;--green:#86d9a7;--green-bg:#163022}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC",sans-serif}
main{max-width:1180px;margin:0 auto;padding:40px 28px 64px}
h1{font-size:30px;line-height:1.2;margin:4px 0 10px;letter-spacing:-.01em}
h2{font-size:20px;line-height:1.3;margin:44px 0 6px}
h3{font-size:16px;margin:0}
p{margin:6px 0}
.kicker{font-size:13px;letter-spacing:.08em;text-transform:uppercase;color:var(--soft);margin:0}
.lead{font-size:18px;max-width:62em}
.soft{color:var(--soft)}
.small{font-size:13px}
code,.id{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;overflow-wrap:break-word}
.src{overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:14px;margin:24px 0 8px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px 18px}
.tile b{display:block;font-size:26px;line-height:1.25;font-weight:650}
.tile span{font-size:14px;color:var(--soft)}
.tile.red b{color:var(--red)}.tile.blue b{color:var(--blue)}.tile.green b{color:var(--green)}.tile.amber b{color:var(--amber)}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px 20px;margin:14px 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left;font-weight:600;font-size:13px;color:var(--soft);padding:8px 14px 8px 0;border-bottom:1px solid var(--line);vertical-align:bottom}
td{padding:10px 14px 10px 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
td.num,th.num{text-align:right;padding-right:32px;font-variant-numeric:tabular-nums}td.num,.day{white-space:nowrap}
.wide{min-width:215px}
.chip{display:inline-block;white-space:nowrap;border-radius:999px;padding:2px 10px 2px 8px;font-size:13px;font-weight:600;line-height:1.5}
.chip.red{color:var(--red);background:var(--red-bg)}.chip.amber{color:var(--amber);background:var(--amber-bg)}
.chip.blue{color:var(--blue);background:var(--blue-bg)}.chip.green{color:var(--green);background:var(--green-bg)}
.plan{display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);gap:8px 36px;margin-top:12px}
.plan dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;margin:0;align-content:start}
dt{color:var(--soft)}dd{margin:0}
.row{display:flex;gap:12px;align-items:baseline;flex-wrap:wrap;justify-content:space-between}
.gap{color:var(--red);font-weight:600;margin:10px 0 4px}
ul{margin:6px 0;padding-left:20px}li{margin:3px 0}
pre{background:var(--code);border-radius:8px;padding:14px 16px;overflow-x:auto;font:13px/1.7 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;margin:10px 0}
.legend{display:flex;flex-wrap:wrap;gap:8px 22px;font-size:13px;color:var(--soft);margin:4px 0 14px}
.legend span{display:inline-flex;align-items:center;gap:8px}
.legend svg{width:34px;height:20px}
svg text{font-family:inherit;fill:var(--ink)}
.cone{display:block;margin:0 auto;max-width:none}
.box rect{fill:var(--card);stroke:var(--soft);stroke-width:1.5}
.box .name{font-size:14px;font-weight:600}.box .note{font-size:13px;fill:var(--soft)}
.mark{fill:none;stroke:var(--soft);stroke-width:2.2;stroke-linecap:round;stroke-linejoin:round}
.box.cut rect{fill:var(--red-bg);stroke:var(--red);stroke-width:2;stroke-dasharray:6 4}.box.cut .mark,.box.down .mark{stroke:var(--red)}
.box.down rect{stroke:var(--red)}.box.weak rect{stroke:var(--amber)}.box.weak .mark{stroke:var(--amber)}
.box.sub rect,.box.saved rect{stroke:var(--blue);fill:var(--blue-bg)}.box.sub .mark,.box.saved .mark{stroke:var(--blue);fill:var(--blue)}
.box.product rect{stroke-width:2.5}
.box:focus{outline:none}.box:focus rect{stroke-width:4}
.edge{fill:none;stroke-width:1.8}.head{stroke:none}
.edge-cut{stroke:var(--red)}.edge.edge-cut{stroke-dasharray:6 4}.edge-down{stroke:var(--red)}.edge-weak{stroke:var(--amber)}.edge-sub{stroke:var(--blue)}
.head.edge-cut,.head.edge-down{fill:var(--red)}.head.edge-weak{fill:var(--amber)}.head.edge-sub{fill:var(--blue)}
.bar .track{fill:var(--code)}.bar .span{fill:var(--blue)}.bar .span.over{fill:var(--red)}.bar .limit{stroke:var(--ink);stroke-width:2}
.bar text{font-size:13px;fill:var(--soft)}
@media (max-width:760px){.plan{grid-template-columns:1fr}main{padding:24px 16px}}
@media print{:root{color-scheme:light;--page:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;--code:#f3f3f3;
--red:#b3261e;--red-bg:#fdeeec;--amber:#8a5300;--amber-bg:#fff3da;--blue:#1c5cb8;--blue-bg:#e9f1fd;--green:#1c6b41;--green-bg:#e7f5ed}
@page{size:A4;margin:14mm}
body{font-size:10.5pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}main{max-width:none;padding:0}
h2{margin-top:22pt}h2,h2+p{break-after:avoid}.tile,.keep,tr,.legend{break-inside:avoid}.scroll{overflow:visible}
.cone{width:100%;height:auto;max-height:235mm}pre{white-space:pre-wrap;overflow-wrap:anywhere}table{font-size:9pt}th{font-size:8.5pt}th,td{padding-right:8px}
.chip{font-size:8.5pt;padding:1px 7px 1px 5px}code,.id{font-size:8pt;overflow-wrap:anywhere}}
)css";

}  // namespace hz::drill
