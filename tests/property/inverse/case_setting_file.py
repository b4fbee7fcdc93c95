"""Files of /etc that are there, are links, or are not."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts, Settings, SettingState
from wslnet.resources.setting_file import SettingFile

RESOURCE = SettingFile
PATHS = st.sampled_from(["/etc/fstab", "/etc/resolv.conf"])
FILES = st.sampled_from(["", "bmFtZXNlcnZlciAxLjEuMS4xCg==", "Iwo="]).map(
    lambda text: SettingState(content=text)
)
LINKS = st.sampled_from(["/mnt/wsl/resolv.conf", "../run/resolv"]).map(lambda path: SettingState(link=path))
STATES = st.none() | FILES | LINKS
FACTS = st.dictionaries(PATHS, STATES).map(lambda files: LinuxFacts(settings=Settings(files=files)))
WISHES = st.builds(SettingFile, st.just("wsl"), PATHS, FILES | LINKS, st.just("as asked"), st.just("law"))
CASES = st.tuples(FACTS, WISHES)
