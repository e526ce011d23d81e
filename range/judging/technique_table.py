"""The ATT&CK techniques that the bundled steps, and most steps possible in Linux containers, are of.

Knows: rows of text, which range/judging/techniques.py reads. A small table of our own, not ATT&CK: a full one comes
from a STIX file that a user supplies. Ids, names and tactics are those of MITRE ATT&CK Enterprise, (c) The MITRE
Corporation.
Must never: decide anything.
"""

from __future__ import annotations

VERSION = "18"
"""The ATT&CK version of the rows."""

ROWS = """
T1003 | OS Credential Dumping | credential-access
T1003.007 | Proc Filesystem | credential-access
T1003.008 | /etc/passwd and /etc/shadow | credential-access
T1005 | Data from Local System | collection
T1007 | System Service Discovery | discovery
T1016 | System Network Configuration Discovery | discovery
T1016.001 | Internet Connection Discovery | discovery
T1018 | Remote System Discovery | discovery
T1020 | Automated Exfiltration | exfiltration
T1021 | Remote Services | lateral-movement
T1021.004 | SSH | lateral-movement
T1027 | Obfuscated Files or Information | defense-evasion
T1027.010 | Command Obfuscation | defense-evasion
T1030 | Data Transfer Size Limits | exfiltration
T1033 | System Owner/User Discovery | discovery
T1036 | Masquerading | defense-evasion
T1036.003 | Rename Legitimate Utilities | defense-evasion
T1036.004 | Masquerade Task or Service | defense-evasion
T1036.005 | Match Legitimate Resource Name or Location | defense-evasion
T1036.006 | Space after Filename | defense-evasion
T1037 | Boot or Logon Initialization Scripts | persistence privilege-escalation
T1037.004 | RC Scripts | persistence privilege-escalation
T1040 | Network Sniffing | credential-access discovery
T1041 | Exfiltration Over C2 Channel | exfiltration
T1046 | Network Service Discovery | discovery
T1048 | Exfiltration Over Alternative Protocol | exfiltration
T1048.001 | Exfiltration Over Symmetric Encrypted Non-C2 Protocol | exfiltration
T1048.002 | Exfiltration Over Asymmetric Encrypted Non-C2 Protocol | exfiltration
T1048.003 | Exfiltration Over Unencrypted Non-C2 Protocol | exfiltration
T1049 | System Network Connections Discovery | discovery
T1053 | Scheduled Task/Job | execution persistence privilege-escalation
T1053.002 | At | execution persistence privilege-escalation
T1053.003 | Cron | execution persistence privilege-escalation
T1057 | Process Discovery | discovery
T1059 | Command and Scripting Interpreter | execution
T1059.004 | Unix Shell | execution
T1059.006 | Python | execution
T1059.007 | JavaScript | execution
T1069 | Permission Groups Discovery | discovery
T1069.001 | Local Groups | discovery
T1070 | Indicator Removal | defense-evasion
T1070.002 | Clear Linux or Mac System Logs | defense-evasion
T1070.003 | Clear Command History | defense-evasion
T1070.004 | File Deletion | defense-evasion
T1070.006 | Timestomp | defense-evasion
T1071 | Application Layer Protocol | command-and-control
T1071.001 | Web Protocols | command-and-control
T1071.002 | File Transfer Protocols | command-and-control
T1071.003 | Mail Protocols | command-and-control
T1071.004 | DNS | command-and-control
T1074 | Data Staged | collection
T1074.001 | Local Data Staging | collection
T1078 | Valid Accounts | defense-evasion initial-access persistence privilege-escalation
T1078.001 | Default Accounts | defense-evasion initial-access persistence privilege-escalation
T1078.003 | Local Accounts | defense-evasion initial-access persistence privilege-escalation
T1082 | System Information Discovery | discovery
T1083 | File and Directory Discovery | discovery
T1087 | Account Discovery | discovery
T1087.001 | Local Account | discovery
T1090 | Proxy | command-and-control
T1090.001 | Internal Proxy | command-and-control
T1095 | Non-Application Layer Protocol | command-and-control
T1098 | Account Manipulation | persistence privilege-escalation
T1098.004 | SSH Authorized Keys | persistence privilege-escalation
T1105 | Ingress Tool Transfer | command-and-control
T1110 | Brute Force | credential-access
T1110.001 | Password Guessing | credential-access
T1110.002 | Password Cracking | credential-access
T1110.003 | Password Spraying | credential-access
T1110.004 | Credential Stuffing | credential-access
T1119 | Automated Collection | collection
T1124 | System Time Discovery | discovery
T1132 | Data Encoding | command-and-control
T1132.001 | Standard Encoding | command-and-control
T1133 | External Remote Services | initial-access persistence
T1135 | Network Share Discovery | discovery
T1136 | Create Account | persistence
T1136.001 | Local Account | persistence
T1140 | Deobfuscate/Decode Files or Information | defense-evasion
T1189 | Drive-by Compromise | initial-access
T1190 | Exploit Public-Facing Application | initial-access
T1203 | Exploitation for Client Execution | execution
T1205 | Traffic Signaling | command-and-control defense-evasion persistence
T1210 | Exploitation of Remote Services | lateral-movement
T1213 | Data from Information Repositories | collection
T1222 | File and Directory Permissions Modification | defense-evasion
T1222.002 | Linux and Mac File and Directory Permissions Modification | defense-evasion
T1485 | Data Destruction | impact
T1486 | Data Encrypted for Impact | impact
T1489 | Service Stop | impact
T1490 | Inhibit System Recovery | impact
T1491 | Defacement | impact
T1491.001 | Internal Defacement | impact
T1491.002 | External Defacement | impact
T1496 | Resource Hijacking | impact
T1498 | Network Denial of Service | impact
T1498.001 | Direct Network Flood | impact
T1499 | Endpoint Denial of Service | impact
T1499.001 | OS Exhaustion Flood | impact
T1499.002 | Service Exhaustion Flood | impact
T1499.003 | Application Exhaustion Flood | impact
T1505 | Server Software Component | persistence
T1505.003 | Web Shell | persistence
T1518 | Software Discovery | discovery
T1518.001 | Security Software Discovery | discovery
T1529 | System Shutdown/Reboot | impact
T1539 | Steal Web Session Cookie | credential-access
T1543 | Create or Modify System Process | persistence privilege-escalation
T1543.002 | Systemd Service | persistence privilege-escalation
T1546 | Event Triggered Execution | persistence privilege-escalation
T1546.004 | Unix Shell Configuration Modification | persistence privilege-escalation
T1546.005 | Trap | persistence privilege-escalation
T1548 | Abuse Elevation Control Mechanism | defense-evasion privilege-escalation
T1548.001 | Setuid and Setgid | defense-evasion privilege-escalation
T1548.003 | Sudo and Sudo Caching | defense-evasion privilege-escalation
T1552 | Unsecured Credentials | credential-access
T1552.001 | Credentials In Files | credential-access
T1552.003 | Shell History | credential-access
T1552.004 | Private Keys | credential-access
T1553 | Subvert Trust Controls | defense-evasion
T1553.004 | Install Root Certificate | defense-evasion
T1556 | Modify Authentication Process | credential-access defense-evasion persistence
T1557 | Adversary-in-the-Middle | collection credential-access
T1557.002 | ARP Cache Poisoning | collection credential-access
T1560 | Archive Collected Data | collection
T1560.001 | Archive via Utility | collection
T1560.002 | Archive via Library | collection
T1562 | Impair Defenses | defense-evasion
T1562.001 | Disable or Modify Tools | defense-evasion
T1562.003 | Impair Command History Logging | defense-evasion
T1562.004 | Disable or Modify System Firewall | defense-evasion
T1562.006 | Indicator Blocking | defense-evasion
T1562.012 | Disable or Modify Linux Audit System | defense-evasion
T1563 | Remote Service Session Hijacking | lateral-movement
T1563.001 | SSH Hijacking | lateral-movement
T1564 | Hide Artifacts | defense-evasion
T1564.001 | Hidden Files and Directories | defense-evasion
T1565 | Data Manipulation | impact
T1565.001 | Stored Data Manipulation | impact
T1567 | Exfiltration Over Web Service | exfiltration
T1568 | Dynamic Resolution | command-and-control
T1568.002 | Domain Generation Algorithms | command-and-control
T1569 | System Services | execution
T1570 | Lateral Tool Transfer | lateral-movement
T1571 | Non-Standard Port | command-and-control
T1572 | Protocol Tunneling | command-and-control
T1573 | Encrypted Channel | command-and-control
T1573.001 | Symmetric Cryptography | command-and-control
T1573.002 | Asymmetric Cryptography | command-and-control
T1574 | Hijack Execution Flow | defense-evasion persistence privilege-escalation
T1574.006 | Dynamic Linker Hijacking | defense-evasion persistence privilege-escalation
T1574.007 | Path Interception by PATH Environment Variable | defense-evasion persistence privilege-escalation
T1590 | Gather Victim Network Information | reconnaissance
T1590.002 | DNS | reconnaissance
T1592 | Gather Victim Host Information | reconnaissance
T1592.002 | Software | reconnaissance
T1594 | Search Victim-Owned Websites | reconnaissance
T1595 | Active Scanning | reconnaissance
T1595.001 | Scanning IP Blocks | reconnaissance
T1595.002 | Vulnerability Scanning | reconnaissance
T1595.003 | Wordlist Scanning | reconnaissance
T1609 | Container Administration Command | execution
T1611 | Escape to Host | privilege-escalation
T1613 | Container and Resource Discovery | discovery
T1614 | System Location Discovery | discovery
T1614.001 | System Language Discovery | discovery
T1654 | Log Enumeration | discovery
T1680 | Local Storage Discovery | discovery
"""
"""`id | name | tactics`, one a line."""

LATER_ROWS = """
T1685 | Disable or Modify Tools | defense-impairment
T1685.004 | Disable or Modify Linux Audit System Log | defense-impairment
T1685.006 | Clear Linux or Mac System Logs | defense-impairment
T1686 | Disable or Modify System Firewall | defense-impairment
T1690 | Prevent Command History Logging | defense-impairment
"""
"""The same, of techniques that came with version 19, which ended the tactic defense-evasion."""

REVOKED = """
T1002>T1560 T1022>T1560 T1024>T1573 T1032>T1573 T1053.001>T1053.002 T1054>T1562.006 T1063>T1518.001
T1065>T1571 T1079>T1573 T1081>T1552.001 T1089>T1562.001 T1094>T1095 T1099>T1070.006 T1100>T1505.003
T1107>T1070.004 T1130>T1553.004 T1139>T1552.003 T1145>T1552.004 T1146>T1070.003 T1148>T1562.003
T1151>T1036.006 T1154>T1546.005 T1156>T1546.004 T1158>T1564.001 T1163>T1037.004 T1166>T1548.001 T1168>T1053
T1169>T1548.003 T1184>T1563.001 T1206>T1548.003 T1483>T1568.002 T1492>T1565.001 T1501>T1543.002
"""
"""`id>successor`: revoked up to version 18, as its `revoked-by` relationships say."""

LATER = """
T1562>T1685 T1562>T1686 T1562>T1688 T1562>T1689 T1562>T1690 T1562.001>T1685 T1562.002>T1685.001 T1562.003>T1690
T1562.004>T1686 T1562.006>T1685 T1562.007>T1686.001 T1562.008>T1685.002 T1562.009>T1688 T1562.010>T1689
T1562.011>T1685.003 T1562.012>T1685.004 T1562.013>T1686.002 T1070.001>T1685.005 T1070.002>T1685.006
"""
"""`id>successor`: revoked by version 19. It split T1562, Impair Defenses: its sub-techniques went to several ids,
so the parent stands for any of them."""
